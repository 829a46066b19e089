// Package cli is the command line: flags, wiring, screens and exit codes. It
// is the only package that knows everyone.
package cli
