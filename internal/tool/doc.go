// Package tool runs the programs that actions are made of (alembic, pg_restore,
// terraform, whatever a playbook names) so that each attempt is started at most
// once and its end is learnt even when this process dies.
//
// An attempt is announced as a Job before it is begun, so that a resume finds
// the child of this attempt and never that of another:
//
//	Prepare  find the program (Find), announce the attempt (Announce); both are
//	         journaled with the state of the step
//	Run      Room.Do starts it or attaches to it, and waits
//	Probe    Room.Look says what became of it; what it did to the world is for
//	         the action to ask
//
// What changes nothing is looked at with Room.Observe: it is tied to this
// process and nothing is kept of it.
package tool
