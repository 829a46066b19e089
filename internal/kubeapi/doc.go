// Package kubeapi knows how objects are read and written at an API server, and
// which kinds it serves.
//
// It stands on the REST client and the dynamic client of client-go, and gives
// the common kinds their Go types. The generated clients of client-go would give
// the same, and bring every kind of every API into the program with them: its
// start takes a quarter longer and its memory a third more, whether a run touches
// a cluster or not (docs/performance.md). The discovery client and its mapper
// stand on them too (client-go, discovery/discovery_client.go imports
// kubernetes/scheme), so what an API server serves is asked here.
package kubeapi
