// Package schema knows what may be written: the Go types of a playbook, strict
// decoding of YAML with the place of every value, the diagnostics that point
// at a mistake, and the JSON Schema that editors use.
//
// It knows nothing of what an action does and never touches the world: it is
// given bytes and gives back documents or diagnostics. It is the only package
// that imports a YAML library.
package schema
