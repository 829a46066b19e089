// Package argo steers the progressive deliveries of Argo Rollouts: it aborts one,
// puts the template back to the stable version, and promotes to a named step.
//
// An abort alone is no rollback: spec.template still holds the bad version, and
// whatever leaves the aborted state goes forward with it again. So argo.abort
// leaves an obligation, which argo.undo settles.
package argo
