package kubelease

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/lock"
)

// Renew implements lock.Register. It reads first: a renewal whose answer was lost
// moves the version although the lease is still ours, and may do so even now.
// The epoch decides, and nobody else can have ours.
func (l Lease) Renew(ctx context.Context, mine lock.Record) (lock.Record, error) {
	for range 3 {
		obj, err := l.Leases.Get(ctx, Name)
		if apierrors.IsNotFound(err) {
			return mine, lock.ErrMoved
		}
		if err != nil {
			return mine, l.Explain(ctx, err, "renewing "+l.Where())
		}
		if now := record(obj); now.Holder == nil || now.Epoch != mine.Epoch || *now.Holder != *mine.Holder {
			return mine, lock.ErrMoved
		}
		at := metav1.NewMicroTime(l.Now())
		obj.Spec.RenewTime = &at
		got, err := l.Leases.Update(ctx, Name, obj, fieldManager)
		if !apierrors.IsConflict(err) {
			return l.answer(ctx, got, err, "renewing")
		}
	}
	return mine, actions.Unreachable("%s changes faster than it can be renewed", l.Where())
}

// Free implements lock.Register. The Lease stays: its count of changes of hands
// is the epoch and must not begin anew.
func (l Lease) Free(ctx context.Context, mine lock.Record) error {
	obj, err := l.Leases.Get(ctx, Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return l.Explain(ctx, err, "releasing "+l.Where())
	}
	if now := record(obj); now.Holder == nil || now.Epoch != mine.Epoch || *now.Holder != *mine.Holder {
		return nil
	}
	obj.Spec.HolderIdentity = nil
	delete(obj.Annotations, holderAnnotation)
	got, err := l.Leases.Update(ctx, Name, obj, fieldManager)
	if _, err = l.answer(ctx, got, err, "releasing"); errors.Is(err, lock.ErrMoved) {
		return nil
	}
	return err
}
