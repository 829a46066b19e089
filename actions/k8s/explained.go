package k8s

import "context"

// Explain gives an error of a request to an API server its kind, for callers
// outside the family that make requests of their own.
func Explain(ctx context.Context, err error, doing string) error { return explain(ctx, err, doing) }
