package e2e

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets more tests run side by side than there are cores: they mostly
// wait for pods and for stability windows.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "14"); err != nil {
		panic(err)
	}
	code := m.Run()
	stopDatabases()
	os.Exit(code)
}
