// Package slot gives every sandbox on one machine its own share of the
// loopback network: a number that decides its ports and its pod addresses.
//
// A slot is reserved by listening on an abstract unix socket. Such a socket
// lives in the network namespace, exactly like the loopback addresses it
// protects, works across users, and is released by the kernel however the
// holder ends.
package slot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
)

const (
	// Count is how many sandboxes can run side by side.
	Count = 250
	// portsPerSlot is the size of a slot's range of ports on 127.0.0.1.
	portsPerSlot = 16
	// firstPort keeps every range below the usual ephemeral ports, so that no
	// outgoing connection takes a port between our check and its use.
	firstPort = 20000
	// probePort is the port the sample application's containers declare.
	probePort = 8080
)

// ErrNoneFree means that every slot is taken.
var ErrNoneFree = errors.New("no free loopback slot")

// Slot is one sandbox's share of the loopback network.
type Slot struct {
	Number int `json:"number"`
	// Shift is added to a container's port to get the port its process binds.
	// It is not zero only where another program listens on all addresses.
	Shift int `json:"shift"`
}

// Reservation keeps a slot until it is closed or its process ends.
type Reservation struct {
	Slot
	lock net.Listener
}

// Close gives the slot back.
func (r *Reservation) Close() error { return r.lock.Close() }

// Reserve takes the first slot that nobody holds and whose ports are free.
func Reserve(ctx context.Context) (*Reservation, error) {
	for n := range Count {
		lock, err := hold(ctx, n)
		if err != nil {
			continue
		}
		s := Slot{Number: n}
		if !s.portsFree(ctx) {
			_ = lock.Close()
			continue
		}
		shift, err := s.freeShift(ctx)
		if err != nil {
			_ = lock.Close()
			return nil, err
		}
		s.Shift = shift
		return &Reservation{Slot: s, lock: lock}, nil
	}
	return nil, ErrNoneFree
}

func hold(ctx context.Context, n int) (net.Listener, error) {
	var lc net.ListenConfig
	return lc.Listen(ctx, "unix", "@runback-sandbox-slot-"+strconv.Itoa(n))
}

// Port returns the i-th port of the slot, to be used on 127.0.0.1.
func (s Slot) Port(i int) int {
	if i < 0 || i >= portsPerSlot {
		panic(fmt.Sprintf("slot: port index %d out of range", i))
	}
	return firstPort + s.Number*portsPerSlot + i
}

// Ports is the number of ports a slot has.
func (s Slot) Ports() int { return portsPerSlot }

func (s Slot) portsFree(ctx context.Context) bool {
	for i := range portsPerSlot {
		if !bindable(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port(i)))) {
			return false
		}
	}
	return true
}

// freeShift finds an offset under which the usual container port can be bound
// on the slot's own addresses.
func (s Slot) freeShift(ctx context.Context) (int, error) {
	for _, shift := range []int{0, 10000, 20000, 1000, 11000, 21000} {
		if bindable(ctx, net.JoinHostPort(s.bind(0, 1), strconv.Itoa(probePort+shift))) {
			return shift, nil
		}
	}
	return 0, fmt.Errorf("no usable container port on %s: other programs listen on all addresses", s.bind(0, 1))
}

func bindable(ctx context.Context, addr string) bool {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	return l.Close() == nil
}
