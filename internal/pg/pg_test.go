package pg_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
	"github.com/runbackhq/runback/internal/testpostgres"
)

var server *testpostgres.Server

const passwordEnv = "RUNBACK_TEST_PASSWORD"

func TestMain(m *testing.M) {
	var err error
	if server, err = testpostgres.Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// What a target does not say must not be taken from here.
	for name, value := range map[string]string{passwordEnv: testpostgres.Password(), "PGHOST": "192.0.2.1", "PGDATABASE": "elsewhere", "PGUSER": "somebody", "PGPORT": "1"} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

func target(role string) actions.DatabaseTarget {
	return actions.DatabaseTarget{URL: server.URL(role, "postgres"), PasswordEnv: passwordEnv}
}

func TestOpenProvesTheServer(t *testing.T) {
	for _, role := range []string{testpostgres.Superuser, testpostgres.Owner} {
		c, err := pg.Open(t.Context(), target(role), "runback/test")
		if err != nil {
			t.Fatal(err)
		}
		if c.ID.System == "" || c.ID.Database != "postgres" || c.ID.User != role || c.ID.OID == 0 || c.ID.Version < 100000 {
			t.Errorf("%+v", c.ID)
		}
		wrong := target(role)
		wrong.System = "1" + c.ID.System
		c.Close()
		if _, err := pg.Open(t.Context(), wrong, "x"); actions.KindOf(err) != actions.KindRefused || !strings.Contains(err.Error(), c.ID.System) {
			t.Errorf("%v", err)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	file := t.TempDir() + "/password"
	if err := os.WriteFile(file, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := server.URL("app", "postgres")
	for name, tc := range map[string]struct {
		target actions.DatabaseTarget
		kind   actions.Kind
		says   string
	}{
		"password in the URL":  {actions.DatabaseTarget{URL: strings.Replace(good, "app@", "app:hunter2@", 1)}, actions.KindInvalid, "holds a password"},
		"password as option":   {actions.DatabaseTarget{URL: good + "?password=hunter2"}, actions.KindInvalid, "holds a password"},
		"no user":              {actions.DatabaseTarget{URL: strings.Replace(good, "app@", "", 1)}, actions.KindInvalid, "names no user"},
		"no host":              {actions.DatabaseTarget{URL: "postgres://app@/app"}, actions.KindInvalid, "names no host"},
		"no database":          {actions.DatabaseTarget{URL: "postgres://app@db"}, actions.KindInvalid, "names no database"},
		"another scheme":       {actions.DatabaseTarget{URL: "mysql://app@db/app"}, actions.KindInvalid, "mysql"},
		"not a URL":            {actions.DatabaseTarget{URL: "postgres://app:hunter2@[/x"}, actions.KindInvalid, "cannot be read"},
		"variable is missing":  {actions.DatabaseTarget{URL: good, PasswordEnv: "RUNBACK_NO_SUCH"}, actions.KindInvalid, "RUNBACK_NO_SUCH is not set"},
		"two passwords":        {actions.DatabaseTarget{URL: good, PasswordEnv: "A", PasswordFile: "b"}, actions.KindInvalid, "both"},
		"wrong password":       {actions.DatabaseTarget{URL: good, PasswordFile: file}, actions.KindInvalid, "28P01"},
		"no such database":     {actions.DatabaseTarget{URL: server.URL("app", "nothere"), PasswordEnv: passwordEnv}, actions.KindInvalid, "3D000"},
		"nobody answers there": {actions.DatabaseTarget{URL: "postgres://app@127.0.0.1:1/x", PasswordEnv: passwordEnv}, actions.KindUnreachable, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pg.Open(t.Context(), tc.target, "x")
			if actions.KindOf(err) != tc.kind || err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: %v", actions.KindOf(err), err)
			}
			for _, secret := range []string{"hunter2", testpostgres.Password()} {
				if err != nil && strings.Contains(err.Error()+actions.HintOf(err), secret) {
					t.Errorf("the error tells the password: %v", err)
				}
			}
		})
	}
}

func TestFenceEndsOrphans(t *testing.T) {
	c, err := pg.Open(t.Context(), target(testpostgres.Superuser), "runback/watch")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	name := pg.Application("r-1/steps/a", "child-1")
	if len(name) > 63 || name == pg.Application("r-1/steps/a", "child-2") || !strings.HasPrefix(name, "runback/r-1/") {
		t.Errorf("application %q", name)
	}
	cmd := exec.Command(server.Bin+"/psql", "-X", "-c", "select pg_sleep(60)")
	cmd.Env = append(server.Env("postgres"), "PGAPPNAME="+name)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	call := &actions.Call{Wait: func(_ context.Context, d time.Duration) error { time.Sleep(d); return nil }}
	// A session that waits for its next query would end with its client.
	for range 600 {
		if found, err := c.Backends(t.Context(), name); err != nil || len(found) > 0 && found[0].State == "active" && strings.Contains(found[0].Query, "pg_sleep") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if found, err := c.Backends(t.Context(), name); err != nil || len(found) != 1 {
		t.Fatalf("the orphan is not there: %v %v", found, err)
	}
	began := time.Now()
	if err := c.Fence(t.Context(), call, name, time.Second); err != nil || time.Since(began) > 20*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	if found, err := c.Backends(t.Context(), name); err != nil || len(found) != 0 {
		t.Errorf("%v %v", found, err)
	}
	// The pid alone names nobody.
	if gone, err := c.Terminate(t.Context(), pg.Backend{PID: 1, Started: began}); err != nil || !gone {
		t.Errorf("%v %v", gone, err)
	}
}
