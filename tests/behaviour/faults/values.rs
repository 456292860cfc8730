//! Faults of logged values and of code that runs while a thread or a value ends.
