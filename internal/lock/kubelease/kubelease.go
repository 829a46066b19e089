// Package kubelease keeps a lock as a coordination.k8s.io Lease next to what it
// guards, so that machines which share nothing else still see one another.
package kubelease

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/internal/kubeapi"
	"github.com/runbackhq/runback/internal/lock"
)

const (
	// Name of the Lease: one for each namespace, because a namespace is what a
	// playbook acts on.
	Name = "runback"
	// Duration without a renewal after which a holder on another machine counts
	// as dead. Renewed every third of it.
	Duration = 15 * time.Second

	holderAnnotation = "runback.dev/holder"
	fieldManager     = "runback"
)

// Lease is a lock.Register in one namespace.
type Lease struct {
	Leases    kubeapi.Leases
	Namespace string
	Now       func() time.Time
	// Explain gives an error of the API server its kind.
	Explain func(ctx context.Context, err error, doing string) error
}

var _ lock.Register = Lease{}

// Where implements lock.Register.
func (l Lease) Where() string { return "lease " + Name + " in namespace " + l.Namespace }

// Read implements lock.Register.
func (l Lease) Read(ctx context.Context) (lock.Record, error) {
	obj, err := l.Leases.Get(ctx, Name)
	if apierrors.IsNotFound(err) {
		return lock.Record{}, nil
	}
	if err != nil {
		return lock.Record{}, l.Explain(ctx, err, "reading "+l.Where())
	}
	return record(obj), nil
}

// record reads a Lease. Whatever is not as we write it is poison: somebody holds
// it whom we do not know.
func record(obj *coordination.Lease) lock.Record {
	rec := lock.Record{Version: obj.ResourceVersion}
	if n := obj.Spec.LeaseTransitions; n != nil {
		rec.Epoch = int64(*n)
	}
	identity := value(obj.Spec.HolderIdentity)
	if identity == "" {
		return rec
	}
	var h lock.Holder
	raw, ok := obj.Annotations[holderAnnotation]
	switch {
	case !ok:
		rec.Poison = fmt.Sprintf("holder %q left no annotation %s", identity, holderAnnotation)
	case json.Unmarshal([]byte(raw), &h) != nil:
		rec.Poison = fmt.Sprintf("annotation %s of holder %q cannot be read", holderAnnotation, identity)
	case identityOf(h) != identity:
		rec.Poison = fmt.Sprintf("holder is %q, the annotation says %q", identity, identityOf(h))
	case value(obj.Spec.LeaseDurationSeconds) <= 0:
		rec.Poison = fmt.Sprintf("holder %q gave no duration", identity)
	default:
		rec.Holder, rec.Expires = &h, time.Duration(*obj.Spec.LeaseDurationSeconds)*time.Second
	}
	return rec
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func identityOf(h lock.Holder) string {
	return fmt.Sprintf("%s/%s/%d/%s", h.Run, h.Process.Host, h.Process.PID, h.Process.Start)
}

// Take implements lock.Register.
func (l Lease) Take(ctx context.Context, was lock.Record, h lock.Holder) (lock.Record, error) {
	obj, err := l.lease(was, h)
	if err != nil {
		return lock.Record{}, err
	}
	now := metav1.NewMicroTime(l.Now())
	obj.Spec.AcquireTime = &now
	var got *coordination.Lease
	if was.Version == "" {
		got, err = l.Leases.Create(ctx, obj, fieldManager)
	} else {
		got, err = l.Leases.Update(ctx, Name, obj, fieldManager)
	}
	return l.answer(ctx, got, err, "taking")
}

func (l Lease) answer(ctx context.Context, obj *coordination.Lease, err error, doing string) (lock.Record, error) {
	switch {
	case err == nil:
		return record(obj), nil
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err):
		return lock.Record{}, lock.ErrMoved
	default:
		return lock.Record{}, l.Explain(ctx, err, doing+" "+l.Where())
	}
}

// lease is the object with the next epoch; was.Version makes its write a
// compare-and-set.
func (l Lease) lease(was lock.Record, h lock.Holder) (*coordination.Lease, error) {
	raw, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	identity, seconds, epoch, now := identityOf(h), int32(Duration/time.Second), int32(was.Epoch+1), metav1.NewMicroTime(l.Now()) //nolint:gosec // epochs are few
	return &coordination.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Name: Name, Namespace: l.Namespace, ResourceVersion: was.Version,
			Labels:      map[string]string{"app.kubernetes.io/managed-by": "runback"},
			Annotations: map[string]string{holderAnnotation: string(raw)},
		},
		Spec: coordination.LeaseSpec{HolderIdentity: &identity, LeaseDurationSeconds: &seconds, RenewTime: &now, LeaseTransitions: &epoch},
	}, nil
}
