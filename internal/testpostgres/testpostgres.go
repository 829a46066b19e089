// Package testpostgres starts real PostgreSQL servers for tests, on free
// loopback ports, with passwords that are hard to quote.
package testpostgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Password is that of every role: what breaks naive quoting in shells, URLs,
// password files and SQL. Each package of tests has its own, so that one that
// looks for it in all processes does not find that of another.
func Password() string {
	return `p@ss:w/rd\ 'q"%41 &$x` + strings.TrimSuffix(filepath.Base(os.Args[0]), ".test")
}

// Server is a running server. Superuser and plain owner log in with Password.
type Server struct {
	Port int
	Dir  string // everything of it, removed by Stop
	Bin  string // the folder of initdb, pg_dump and the others
	cmd  *exec.Cmd
}

// The roles that there are.
const (
	Superuser = "postgres"
	Owner     = "app" // may create databases, and nothing else
)

// Start makes a cluster and starts it. It refuses to run as root, so then it
// runs as the user postgres, or nobody.
func Start(ctx context.Context) (_ *Server, err error) {
	s := &Server{}
	if s.Bin, err = binaries(); err != nil {
		return nil, err
	}
	if s.Dir, err = os.MkdirTemp("", "runback-postgres-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	cred, err := s.credential()
	if err != nil {
		return nil, err
	}
	secret := filepath.Join(s.Dir, "initial")
	if err := os.WriteFile(secret, []byte(Password()+"\n"), 0o644); err != nil {
		return nil, err
	}
	initdb := exec.CommandContext(ctx, filepath.Join(s.Bin, "initdb"), "-D", s.data(), "-U", Superuser, "--pwfile", secret,
		"--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if s.Port, err = freePort(ctx); err != nil {
		return nil, err
	}
	if err := s.launch(ctx, cred); err != nil {
		return nil, err
	}
	_, err = s.SQL(ctx, "postgres", "create role "+Owner+" login createdb password "+literal(Password()))
	return s, err
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

// launch starts the server and waits until it answers.
func (s *Server) launch(ctx context.Context, cred *syscall.Credential) error {
	log, err := os.Create(filepath.Join(s.Dir, "log")) // a file, so that no goroutine copies it
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	// Without fsync a crash of the machine would lose data, one of the server does
	// not: Restart is as true as before, and creating a database takes no seconds.
	// Not bound to a context: Stop ends it.
	s.cmd = exec.Command(filepath.Join(s.Bin, "postgres"), "-D", s.data(), "-p", strconv.Itoa(s.Port), //nolint:noctx // see above
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+s.Dir, "-c", "max_connections=60", "-c", "max_prepared_transactions=5",
		"-c", "shared_buffers=32MB", "-c", "fsync=off", "-c", "log_statement=none")
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for range 300 {
		if _, err := s.SQL(ctx, "postgres", "select 1"); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	said, err := os.ReadFile(log.Name())
	return errors.Join(fmt.Errorf("the server did not answer:\n%s", said), err)
}

// Restart stops the server at once, as a crash does, and starts it again.
func (s *Server) Restart(ctx context.Context) error {
	cred, err := s.credential()
	if err != nil {
		return err
	}
	if err := s.end(syscall.SIGQUIT); err != nil {
		return err
	}
	return s.launch(ctx, cred)
}

// Stop ends the server and removes all of it.
func (s *Server) Stop() error { return errors.Join(s.end(syscall.SIGQUIT), os.RemoveAll(s.Dir)) }

func (s *Server) end(sig syscall.Signal) error {
	if s.cmd == nil {
		return nil
	}
	err := s.cmd.Process.Signal(sig)
	_ = s.cmd.Wait() // it ends by a signal
	s.cmd = nil
	return err
}

// URL gives the address of a database for a role, without a password.
func (s *Server) URL(role, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)), Path: "/" + database}
	return u.String()
}

// Env gives the variables by which programs of libpq reach it as superuser.
func (s *Server) Env(database string) []string {
	return []string{"PGHOST=127.0.0.1", "PGPORT=" + strconv.Itoa(s.Port), "PGUSER=" + Superuser, "PGPASSWORD=" + Password(), "PGDATABASE=" + database}
}

// SQL runs statements as superuser, each on its own, and gives what psql prints,
// unaligned and without headers.
func (s *Server) SQL(ctx context.Context, database string, statements ...string) (string, error) {
	args := []string{"-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"}
	for _, st := range statements {
		args = append(args, "-c", st)
	}
	return s.Program(ctx, "psql", database, nil, args...)
}

// Program runs psql, pg_dump or another program of the server as superuser.
func (s *Server) Program(ctx context.Context, name, database string, stdin []byte, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(s.Bin, name), args...)
	cmd.Env = append(os.Environ(), s.Env(database)...)
	cmd.Stdin = bytes.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(errs.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// credential is that of another user when we are root.
func (s *Server) credential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // none is needed
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2, os.Chown(s.Dir, uid, gid)); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

// binaries finds the programs of the server: Debian keeps them out of PATH.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	slices.Sort(found)
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", fmt.Errorf("no PostgreSQL server is installed (apt-get install postgresql): %w", err)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err
	}
	return filepath.Dir(path), nil
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

func literal(s string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
