//! The port of incoming leads over indexed maps in memory.
