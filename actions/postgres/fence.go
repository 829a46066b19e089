package postgres

import (
	"context"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

func running(end tool.End) bool { return end.State == supervise.Running }

func sessionsAtWork() error {
	return actions.AtWork("see them in pg_stat_activity; when they are gone, resume", "the sessions of this step were not seen to end")
}

// ended ends the sessions of an application, and says whether some are left
// after a while: a probe has little time, and is asked again.
func ended(ctx context.Context, c *actions.Call, conn *pg.Conn, application string) (left bool, err error) {
	fence, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	err = conn.Fence(fence, c, application, 200*time.Millisecond)
	if fence.Err() != nil && ctx.Err() == nil {
		return true, nil
	}
	return false, err
}
