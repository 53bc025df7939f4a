//! The promises, kept: every test talks real HTTP to the emulator on loopback.
