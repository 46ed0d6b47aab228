//! Arguments, config file, profiles.
