//! The v4 JSON wire of incoming leads: requests and responses without IO.
