//! The model from outside.

mod page;
