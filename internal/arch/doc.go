// Package arch is a test: it holds the walls of the house that ARCHITECTURE.md
// describes.
package arch
