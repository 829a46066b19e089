package k8s

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/runbackhq/runback/actions"
)

// fieldsIn lists the single fields of an object that is made or goes, after a
// first one that stands for the object.
func fieldsIn(fields map[string]any, first actions.FieldChange, sides func(v any) (before, after any)) []actions.FieldChange {
	rest := (&object{Object: fields}).DeepCopy().Object
	for _, p := range [][]string{{"apiVersion"}, {"kind"}, {"metadata", "name"}, {"metadata", "namespace"}} {
		unstructured.RemoveNestedField(rest, p...)
	}
	if about, _ := rest["metadata"].(map[string]any); len(about) == 0 {
		delete(rest, "metadata")
	}
	d := &differ{changes: []actions.FieldChange{first}}
	for _, k := range keysOf(rest, nil) {
		before, after := sides(rest[k])
		d.walk(key("", k), before, after)
	}
	return d.changes
}

func fieldsOf(raw json.RawMessage) (map[string]any, error) {
	var v any
	if err := decode(raw, &v); err != nil {
		return nil, err
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("it is not a map of fields")
	}
	return fields, nil
}

// partOf gives the part of an object that a manifest speaks of, at any depth:
// the rest is defaults, and what others add. Items of lists are found by their
// name, or by their place when none was added or taken away.
func partOf(shape, obj any) any {
	switch s := shape.(type) {
	case map[string]any:
		o, ok := obj.(map[string]any)
		if !ok {
			return obj
		}
		out := map[string]any{}
		for k, v := range s {
			if found, has := o[k]; has {
				out[k] = partOf(v, found)
			}
		}
		return out
	case []any:
		if o, ok := obj.([]any); ok {
			return partOfList(s, o)
		}
	}
	return obj
}

func partOfList(shape, list []any) any {
	_, named := byName(shape)
	items, alsoNamed := byName(list)
	out := []any{}
	for i := range shape {
		switch {
		case named && alsoNamed:
			if found, has := items[nameOf(shape[i])]; has {
				out = append(out, partOf(shape[i], found))
			}
		case len(shape) != len(list):
			return list
		default:
			out = append(out, partOf(shape[i], list[i]))
		}
	}
	return out
}
