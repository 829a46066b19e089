// Package supervise runs the child processes of actions so that neither the
// death of the executor nor that of the supervisor makes anybody believe
// something untrue about the child.
//
// # Who is who
//
// The executor starts the program itself once more as a supervisor, in a
// session of its own. The supervisor starts the program a third time as a gate,
// in a process group of its own; the gate becomes the child by exec, so pid and
// start time stay what was recorded. There is no Pdeathsig: it fires when a
// thread ends, and a rollback that is killed halfway is worse than one that
// nobody watches. What is to be run, its environment and its standard input
// travel through pipes: no argument list and no named file ever holds them.
//
// # What is on disk, in the order in which it is written
//
//	lock             held by the starter, inherited by the supervisor, by nobody else
//	supervisor.json  who supervises
//	child.json       who the gate is, durable before it is told to go on
//	released         written by the gate, durable before its exec
//	exit.json        how it ended; written aside, synced, renamed
//
// # Starting exactly once
//
// Of all starters of one directory only that which has the lock may start, and
// only when Look says that nothing was released. The kernel gives the lock back
// when starter and supervisor are both gone, however they went.
//
// # Who may die when
//
//   - The starter, before it started the supervisor: the lock is free and
//     nothing is recorded. Not started.
//   - The starter, while it hands over what is to be run: the supervisor reads
//     half a message, and ends. Not started.
//   - The starter, later: nothing happens to supervisor and child (unless the
//     child is Tied, when it is stopped). Running, later Exited.
//   - The supervisor, before it released the gate: the gate reads the end of the
//     pipe rather than the message, and ends. It may not be recorded yet, which
//     does no harm: it can never go on. Not started.
//   - The supervisor, after it released the gate: the gate is recorded; it is
//     looked at by its identity. Running while it lives or anybody of its
//     group does. After that Lost when released exists, and not started when it
//     does not: the gate died before its exec.
//   - The supervisor, while the child runs: as before, Running and then Lost. A
//     child that writes to its output then gets SIGPIPE. The reading ends of the
//     pipes cannot be kept open by anybody else without the child blocking for
//     ever one day.
//   - The supervisor, between the end of the child and exit.json: Lost.
//   - The gate, before its exec: the supervisor writes that it never ran. Not
//     started, and may be started again.
//   - The gate, after released and before its exec, together with the supervisor:
//     Lost, though it never ran. The error is on the safe side.
//   - Everybody, by a reboot: the boot is another one, so nobody is alive. What
//     the records say counts: exit.json, else Lost when released exists.
//   - The disk is full: before the release nothing is started; the room for
//     exit.json is reserved before the release.
//
// A child that daemonises leaves its group and is then nobody's child. What
// stays in the group when the child ended is told by Outcome.Left.
//
// A process manager that kills a whole control group (systemd, a container that
// ends) kills supervisor and child as well: Lost.
//
// Looking from another machine is refused: what is alive there cannot be seen.
package supervise
