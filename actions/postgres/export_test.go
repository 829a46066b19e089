package postgres

import (
	"context"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
)

// What the tests of the outside need to know of the inside.
var (
	Besides   = besides
	Nonce     = nonce
	SplitList = splitList
)

// CheckRoom asks for room for a dump of that size.
func CheckRoom(ctx context.Context, t actions.DatabaseTarget, size int64) error {
	conn, err := pg.Open(ctx, t, "test")
	if err != nil {
		return err
	}
	defer conn.Close()
	return roomFor(ctx, conn, &dump{imprint: imprint{Size: size}})
}

// Drop drops a database as a restore drops what was half restored.
func Drop(ctx context.Context, t actions.DatabaseTarget, name string) error {
	conn, err := pg.OpenOther(ctx, t, "postgres", "test")
	if err != nil {
		return err
	}
	defer conn.Close()
	all, err := find(ctx, conn, name)
	if err != nil {
		return err
	}
	return drop(ctx, conn, all[name])
}
