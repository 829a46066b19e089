// Package pg knows how to reach the PostgreSQL databases of a target, how to
// prove which one was reached, and what sessions of ours are at work in it.
//
// Nothing here reads PGHOST and its like: what a target does not say is refused
// rather than taken from the surroundings. The password comes from where the
// target says and is in no error, argument, variable or file of ours.
package pg
