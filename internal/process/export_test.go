package process

// StartTime lets a test name another process.
var StartTime = startTime
