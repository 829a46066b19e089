package slot

import (
	"net"
	"strconv"
	"testing"
)

func reserve(t *testing.T) *Reservation {
	t.Helper()
	r, err := Reserve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestReservationsDoNotOverlap(t *testing.T) {
	a, b := reserve(t), reserve(t)
	if a.Number == b.Number {
		t.Fatalf("both are slot %d", a.Number)
	}
	seen := map[int]bool{}
	for i := range a.Ports() {
		seen[a.Port(i)] = true
	}
	for i := range b.Ports() {
		if seen[b.Port(i)] {
			t.Errorf("port %d is in both", b.Port(i))
		}
	}
	_ = a.Close()
	if c := reserve(t); c.Number != a.Number {
		t.Errorf("slot %d was given back, got %d", a.Number, c.Number)
	}
}

func TestTakenPortsAreSkipped(t *testing.T) {
	a := reserve(t)
	n := a.Number
	_ = a.Close()
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(Slot{Number: n}.Port(3)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if b := reserve(t); b.Number == n {
		t.Errorf("slot %d has a port that is taken", n)
	}
}

func TestShiftWhereTheUsualPortIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", ":"+strconv.Itoa(probePort))
	if err != nil {
		t.Skip("something else listens on the port already")
	}
	defer func() { _ = l.Close() }()
	r := reserve(t)
	if r.Shift == 0 {
		t.Fatal("no shift")
	}
	bind, err := r.Bind("192.0.2.7", probePort)
	if err != nil {
		t.Fatal(err)
	}
	again, err := net.Listen("tcp", bind)
	if err != nil {
		t.Fatalf("%s cannot be bound: %v", bind, err)
	}
	_ = again.Close()
}

func TestAddresses(t *testing.T) {
	s := Slot{Number: 7}
	seen := map[string]bool{}
	for i := range PodAddresses {
		ip := s.PodAddress(i)
		if seen[ip] {
			t.Fatalf("%s twice", ip)
		}
		seen[ip] = true
		bind, err := s.BindHost(ip)
		if err != nil {
			t.Fatal(err)
		}
		if !net.ParseIP(bind).IsLoopback() || net.ParseIP(ip).IsLoopback() {
			t.Fatalf("%s is bound to %s", ip, bind)
		}
	}
	for _, ip := range []string{"10.0.0.1", "127.0.0.1", "::1", "x"} {
		if _, err := s.BindHost(ip); err == nil {
			t.Errorf("%s is no pod address", ip)
		}
	}
	if got, _ := s.Bind("198.51.100.9", 80); got != "127.67.7.9:80" {
		t.Errorf("bound to %s", got)
	}
}
