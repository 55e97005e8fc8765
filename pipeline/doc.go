// Package pipeline joins the parts: Intake takes frames and our own events into the log,
// Delivery takes records out of the log, decodes them and hands them to one sink.
//
// Promises. What Intake took (its handler returned and counted no drop) is in the log. Delivery
// moves a cursor only over records that are done: delivered, filtered or dead-lettered. Records of
// one sender reach the sink in the order in which they arrived. A record has one event.id, however
// often it is delivered. A record that makes us panic costs itself, not the process.
package pipeline
