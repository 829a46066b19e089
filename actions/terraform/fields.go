package terraform

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/runbackhq/runback/actions"
)

// What stands for a value that is not shown.
const (
	hidden  = "(sensitive)"
	altered = "(sensitive, another value)"
	unknown = "(known after apply)"
	whole   = "(resource)" // the path that stands for the resource itself
)

// side is a value with the mask of what is sensitive in it.
type side struct{ value, mask any }

// difference collects the fields in which two values differ.
type difference struct {
	object string
	found  []actions.FieldChange
}

func (d *difference) add(path string, before, after any) {
	d.found = append(d.found, actions.FieldChange{Object: d.object, Path: path, Before: before, After: after})
}

// fields tells what happens to a resource, field by field. What is deleted is
// told as a whole: nothing of it stays.
func fields(r *tfjson.ResourceChange, v string) []actions.FieldChange {
	ch := r.Change
	d := difference{object: r.Address}
	if r.DeposedKey != "" {
		d.object += " (deposed " + r.DeposedKey + ")"
	}
	before := side{ch.Before, ch.BeforeSensitive}
	switch v {
	case creates:
		d.add(whole, nil, "created")
	case deletes:
		d.add(whole, identity(before), nil)
		return d.found
	case forgets:
		d.add(whole, identity(before), "(left alone and forgotten)")
		return d.found
	case replaces:
		d.add(whole, identity(before), replacement(ch))
	case moves:
		d.add("address", r.PreviousAddress, r.Address)
	case imports:
		d.add(whole, nil, "imported")
	case updates:
	default:
		d.add(whole, identity(before), v)
	}
	if r.PreviousAddress != "" && r.PreviousAddress != r.Address && v != moves {
		d.add("address", r.PreviousAddress, r.Address)
	}
	d.walk("", before, side{ch.After, ch.AfterSensitive}, ch.AfterUnknown)
	return d.found
}

// identity names an object that exists.
func identity(s side) any {
	if m, ok := s.value.(map[string]any); ok && m["id"] != nil && !isTrue(child(s.mask, "id")) {
		return fmt.Sprintf("exists (id %v)", m["id"])
	}
	return "exists"
}

func replacement(ch *tfjson.Change) string {
	order := "deleted, then created"
	if ch.Actions.CreateBeforeDestroy() {
		order = "created, then the old one deleted"
	}
	var forced []string
	for _, p := range ch.ReplacePaths {
		if steps, ok := p.([]any); ok {
			forced = append(forced, route(steps))
		}
	}
	if len(forced) == 0 {
		return order
	}
	slices.Sort(forced)
	return order + "; forced by " + strings.Join(forced, ", ")
}

func route(steps []any) string {
	at := ""
	for _, s := range steps {
		if name, ok := s.(string); ok {
			at = below(at, name)
		} else {
			at += fmt.Sprintf("[%v]", s)
		}
	}
	return at
}

func below(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// walk goes down as far as both sides have the same shape.
func (d *difference) walk(at string, before, after side, later any) {
	switch {
	case isTrue(before.mask) || isTrue(after.mask):
		d.secret(at, before, after, later)
		return
	case isTrue(later):
		d.add(orWhole(at), shown(before, nil), unknown)
		return
	}
	a, isA := before.value.(map[string]any)
	b, isB := after.value.(map[string]any)
	if (isA || before.value == nil && at == "") && (isB || after.value == nil && at == "") {
		for _, k := range fieldNames(a, b, later) {
			d.walk(below(at, k), side{a[k], child(before.mask, k)}, side{b[k], child(after.mask, k)}, child(later, k))
		}
		return
	}
	x, isX := before.value.([]any)
	y, isY := after.value.([]any)
	if isX && isY && len(x) == len(y) {
		for i := range x {
			d.walk(at+"["+strconv.Itoa(i)+"]", side{x[i], item(before.mask, i)}, side{y[i], item(after.mask, i)}, item(later, i))
		}
		return
	}
	if was, is := shown(before, nil), shown(after, later); !reflect.DeepEqual(before.value, after.value) || !reflect.DeepEqual(was, is) {
		d.add(orWhole(at), was, is)
	}
}

func orWhole(at string) string {
	if at == "" {
		return whole
	}
	return at
}

// secret tells that a value changes, and neither from what nor to what.
func (d *difference) secret(at string, before, after side, later any) {
	switch {
	case before.value == nil && (after.value != nil || isTrue(later)):
		d.add(orWhole(at), nil, hidden)
	case after.value == nil && !isTrue(later) && before.value != nil:
		d.add(orWhole(at), hidden, nil)
	case isTrue(later):
		d.add(orWhole(at), hidden, unknown)
	case !reflect.DeepEqual(before.value, after.value):
		d.add(orWhole(at), hidden, altered)
	}
}

// shown gives a value with what is sensitive or not known taken out.
func shown(s side, later any) any {
	if isTrue(s.mask) {
		if s.value == nil {
			return nil
		}
		return hidden
	}
	if isTrue(later) {
		return unknown
	}
	switch v := s.value.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, k := range fieldNames(v, nil, later) {
			out[k] = shown(side{v[k], child(s.mask, k)}, child(later, k))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = shown(side{v[i], item(s.mask, i)}, item(later, i))
		}
		return out
	case json.Number:
		return number(v)
	default:
		return v
	}
}

// number keeps what a float cannot hold as text: a preview is compared digit by
// digit.
func number(n json.Number) any {
	f, err := n.Float64()
	if err != nil || strconv.FormatFloat(f, 'f', -1, 64) != n.String() {
		return n.String()
	}
	return f
}

func fieldNames(a, b map[string]any, later any) []string {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	if m, ok := later.(map[string]any); ok {
		for k := range m {
			all[k] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func isTrue(v any) bool { b, ok := v.(bool); return ok && b }

func child(v any, key string) any {
	if isTrue(v) {
		return true
	}
	m, _ := v.(map[string]any)
	return m[key]
}

func item(v any, i int) any {
	if isTrue(v) {
		return true
	}
	if l, ok := v.([]any); ok && i < len(l) {
		return l[i]
	}
	return nil
}
