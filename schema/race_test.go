//go:build race

package schema_test

// The race detector makes code about ten times slower.
const slower = 10
