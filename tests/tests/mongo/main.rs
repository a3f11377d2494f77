//! MongoDB's indexes, planned and applied on real servers.

mod rig;
