package k8s

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/runbackhq/runback/actions"
)

// explain gives an error of a request its kind: what the run does about it.
// The doing is what was attempted, as in "reading deployment/app". A missing
// object is explained where its name is known, by notFound.
func explain(ctx context.Context, err error, doing string) error {
	if err == nil {
		return nil
	}
	if _, known := errors.AsType[*actions.Error](err); known {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, actions.Cause(ctx, err))
	}
	switch {
	case unanswered(err):
		return actions.Unreachable("%s: API server does not answer: %w", doing, err)
	case apierrors.IsUnauthorized(err):
		return actions.Invalid("log in again, or check with: kubectl auth whoami", "%s: credentials are not accepted, they may have expired: %w", doing, err)
	case apierrors.IsForbidden(err):
		return actions.Invalid(mayI(err), "%s: %w", doing, err)
	case apierrors.IsConflict(err):
		return actions.Conflict(prepareAgain, "%s: %w", doing, err)
	case meta.IsNoMatchError(err):
		return actions.Invalid("list the kinds with: kubectl api-resources", "%s: %w", doing, err)
	case apierrors.IsNotFound(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return actions.Invalid("", "%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// unanswered says that nothing is known: not even, for a write, whether it
// took place.
func unanswered(err error) bool {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		code := status.Status().Code
		return code >= http.StatusInternalServerError || code == http.StatusTooManyRequests ||
			apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err)
	}
	if isTrust(err) {
		return false
	}
	if errors.Is(err, context.DeadlineExceeded) || utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsProbableEOF(err) {
		return true
	}
	var netErr net.Error
	var urlErr *url.Error
	return errors.As(err, &netErr) || errors.As(err, &urlErr)
}

// isTrust says that somebody answered whom the kubeconfig does not trust:
// asking again will not help.
func isTrust(err error) bool {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &unknown) || errors.As(err, &name) || errors.As(err, &invalid)
}

var forbidden = regexp.MustCompile(`cannot (\S+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?`)

// mayI turns the words of a refusal into the command that asks the same
// question. Admission refuses with the same code in other words; then there is
// nothing to ask.
func mayI(err error) string {
	m := forbidden.FindStringSubmatch(err.Error())
	if m == nil {
		return ""
	}
	resource := m[2]
	if m[3] != "" {
		resource += "." + m[3]
	}
	hint := fmt.Sprintf("check with: kubectl auth can-i %s %s", m[1], resource)
	if m[4] != "" {
		hint += " -n " + m[4]
	}
	return hint
}
