//! The table of the lifecycle, for people.
