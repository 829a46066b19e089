package pg

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Prefix begins the application name of every session of ours.
const Prefix = "runback/"

// mostName is what PostgreSQL keeps of an application name: NAMEDATALEN - 1.
const mostName = 63

// Application names the sessions of one attempt of one step, so that they can be
// found at the server after the program that opened them died. key is Call.Key,
// child the name under which the attempt was announced.
func Application(key, child string) string {
	run, _, _ := strings.Cut(key, "/")
	sum := sha256.Sum256([]byte(key + "\x00" + child))
	name := Prefix + run + "/"
	return name[:min(len(name), mostName-16)] + hex.EncodeToString(sum[:8])
}
