package pg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/runbackhq/runback/actions"
)

// Explain turns an error of a session into one of a known kind. A server that
// does not answer, starts up, shuts down or is full is unreachable: the run
// holds. What it refuses for good is invalid. The rest has failed.
func Explain(ctx context.Context, err error, doing string) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return actions.Cause(ctx, fmt.Errorf("%s: %w", doing, err))
	}
	if answered, ok := errors.AsType[*pgconn.PgError](err); ok {
		return explainAnswer(answered, doing)
	}
	_, dialled := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	if dialled || network || pgconn.Timeout(err) || strings.Contains(err.Error(), "unexpected EOF") || strings.Contains(err.Error(), "conn closed") {
		return &actions.Error{Kind: actions.KindUnreachable, Err: fmt.Errorf("%s: %w", doing, err)}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// insufficientPrivilege is a code of PostgreSQL, as it names it.
const insufficientPrivilege = "42501"

// NotAllowed says whether the server refused for want of a privilege.
func NotAllowed(err error) bool {
	answered, ok := errors.AsType[*pgconn.PgError](err)
	return ok && answered.Code == insufficientPrivilege
}

// explainAnswer goes by the code of the server: PostgreSQL's documentation,
// appendix A, "PostgreSQL Error Codes".
func explainAnswer(e *pgconn.PgError, doing string) error {
	what := fmt.Errorf("%s: %s (SQLSTATE %s)", doing, e.Message, e.Code)
	switch {
	case e.Code == "28P01", e.Code == "28000":
		return &actions.Error{Kind: actions.KindInvalid, Hint: "check user, password and pg_hba.conf; the password comes from password_env or password_file of the target", Err: what}
	case e.Code == "3D000":
		return &actions.Error{Kind: actions.KindInvalid, Hint: "list them with: psql -l", Err: what}
	case e.Code == insufficientPrivilege:
		return &actions.Error{Kind: actions.KindInvalid, Hint: "grant it, or use another user in the URL of the database", Err: what}
	case strings.HasPrefix(e.Code, "08"), strings.HasPrefix(e.Code, "57P"), e.Code == "53300": // connection, operator intervention, too many connections
		return &actions.Error{Kind: actions.KindUnreachable, Err: what}
	case e.Code == "55P03":
		return &actions.Error{Kind: actions.KindFailed, Hint: "see who holds it: postgres.locks", Err: what}
	default:
		return &actions.Error{Kind: actions.KindFailed, Hint: e.Hint, Err: what}
	}
}
