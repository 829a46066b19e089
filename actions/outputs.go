package actions

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/runbackhq/runback/schema"
)

// DecodeOutputs reads outputs back from JSON, whole numbers as int, so that an
// expression sees the same values in a run and in its resume.
func DecodeOutputs(b []byte) (Outputs, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("outputs cannot be read: %w", err)
	}
	schema.Numbers(m)
	return m, nil
}
