// Package k8s acts on one namespace of a Kubernetes cluster; k8s.suspend and
// k8s.restore also reach the objects of controllers that live in another one.
//
// # Writes
//
// Every write of an object that is there is one JSON patch. It tests the UID of
// the object and the value that Prepare saw in each field that it touches, so it
// either finds the world that was reviewed or changes nothing; a change of the
// status, or of a field that is none of its business, does not get into its way.
// The same patch carries the receipt annotation, from which a probe knows after a
// crash that the write landed. A write whose fields hold the wanted values already
// is not sent at all.
//
// An object that is made carries the receipt from its first moment. What is
// deleted is deleted by its UID; k8s.delete also has it stand as it was seen.
//
// A preview is the server's own dry run of that very patch. It also names who
// else writes the fields that would change, and may change them back.
//
// # Reading
//
// Reads never ask with resourceVersion 0, whose answer may be arbitrarily old,
// and waiting is by looking again, so that a missed event cannot be waited for.
package k8s
