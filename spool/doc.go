// Package spool is the record log: durable bytes in order, each record with a number, read by
// cursors. It knows nothing of what a record means.
//
//	appenders ──copy──▶ blocks in memory ──Run: checksums, write, fdatasync──▶ segments on disk
//	                         │  ▲ 256 KiB each, 4 MiB at most;                      │
//	                         │    the last 2 MiB stay when they are written         │
//	                         ▼                                                      ▼
//	                  readers at the tail                         readers that are behind, and replay
//
// The bytes are drawn in format.go. In a log's directory stand segments (*.seg), a file for each
// cursor (*.cursor), the file state, the file lock, and what a crash tore (*.torn).
//
// # The promise
//
// Each sentence is followed by the test that shows it.
//
// What is in it:
//
//   - Append takes all records of a batch or none, gives them successive positions and allocates
//     nothing (TestModel, TestConcurrent, TestAppendAllocates).
//   - A reader gets a record before it is written, without waiting for a tick (TestTailFromMemory),
//     and from memory for as long as 2 MiB after (TestWarm).
//   - A Chunk keeps what it gave until it is used again (TestChunkKeepsItsRecords).
//   - Every reader gets every record once and in order, from memory or disk, until io.EOF after
//     CloseWrite (TestModel, TestConcurrent).
//   - A record comes with the epoch of the Open that wrote it; epoch and position together never
//     come twice, not even from two copies of one directory (TestCrashPoints, TestCopiedDirectory).
//   - What a segment says, every later version can read (TestGolden).
//
// A kill or a power cut:
//
//   - What WaitSynced, CloseWrite or the passing of SyncInterval and one sync has seen is there
//     afterwards; what was not synced is there or not, never changed, never twice
//     (TestCrashPoints, TestInterval, TestGroupCommit).
//   - A position is never used again, though a cursor may have been ahead of what was synced
//     (TestPositionsNeverReused, TestCrashPoints).
//   - A cursor is never ahead of what was committed, and behind it only by what was not synced
//     yet: repeats, no loss (TestCrashPoints).
//   - A torn end is set aside in a file, counted and reported as torn, not as rot
//     (TestCrashPoints); a disk too full for that is no hindrance (TestNoSpaceForTorn).
//   - It is assumed that a disk writes a sector as a whole and that fdatasync does what it says.
//
// Damage:
//
//   - No byte that was not written ever comes as a record; what is damaged costs the damaged
//     records only, and is reported once with file, offset and number of records, whether a bit, a
//     page or a whole segment (TestDamageFlip, TestDamageTruncate, TestDamagePages,
//     TestDamageSegments, TestDamageState, TestReadError, FuzzSegment).
//   - A sender cannot write a line that is taken for a record (TestForgedRecord).
//   - A cursor survives damage in one of its two slots; with both damaged, of another log, or of a
//     newer format nothing is opened and nothing is touched (TestDamageCursor, TestNewerFormat).
//   - A disk that reads nothing any more is an error, and no record is skipped for it
//     (TestDiskGone).
//
// Space:
//
//   - What some claimed cursor has not committed, durably, is never removed, by age or otherwise
//     (TestRetainAge, TestFullByMaxSize); what all have is kept as long as Retain says and goes
//     first when space is short (TestRetainAge, TestRetainSize, TestFullByMaxSize).
//   - MaxSize, MinFree, a full disk, a quota and missing inodes make Append say ErrFull; nothing
//     appended is lost, cursors still move, and all goes on by itself when there is room
//     (TestFullByMaxSize, TestFullByMinFree, TestNoSpace).
//   - The wall clock is not asked: no jump of it makes anything old (TestClock).
//   - A cursor that nobody claims holds nothing back; what it lost when it comes back is given as
//     Skipped (TestCursorsLife).
//
// Errors:
//
//   - That nothing more can be opened is waited for, like space: by appending, by reading, by syncing
//     the directory (TestNoFiles).
//   - A failed write, fdatasync or the like is final: Run returns it, and nothing is taken or
//     given any more until the log is opened again (TestFinalErrors).
//   - One process has the log (TestLock). Files have mode 0600 in a directory of 0700 (TestModes).
//   - What is held in memory does not depend on the size of the log (TestMemory).
package spool
