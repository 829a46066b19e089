// Package bench measures the real program: make bench. It tests nothing.
package bench
