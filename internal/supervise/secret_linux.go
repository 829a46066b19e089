package supervise

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// secret gives a file that lives in memory as long as somebody holds it open.
// It is not sealed to our eyes: whoever may read /proc of the child may read it.
func secret(text []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("secret", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "secret")
	err = f.Chmod(0o600) // a memfd is made for all
	if err == nil {
		_, err = f.Write(text)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
