// Package topic reads the raw topic: records as another node received them (sink/kafka with
// format: raw), or lines that some other program put there.
//
// A Source is a member of one consumer group, for one sink, and the pipeline.Cursor of that sink's
// delivery. It promises: every message is given, those of one partition in order; an offset is
// committed when the delivery committed all that was read up to it, never before; what it had to
// leave to another member, or did not commit before it died, is given again, to whoever has the
// partition then. Messages that the topic no longer has, or that cannot be read, are counted and told,
// never passed over in silence. Trouble with the cluster is shown by Failing and heals by itself.
//
// A History is the same messages once more, without a group, for a replay.
//
// With a partition that comes to it a Source gives what was done of it shortly before once more, marked as such:
// what a delivery knows of a sender's last minute does not end with the node that knew it.
//
// The package does not know what a line means, or what becomes of it.
package topic
