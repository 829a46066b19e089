// Package e2e drives the real program against sandboxes: a real Kubernetes API
// with real traffic. It holds tests only.
package e2e
