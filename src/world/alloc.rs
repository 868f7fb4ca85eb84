//! The allocator of the process. mimalloc beats the system's by 1.5 to 2 where many threads allocate
//! small objects. Counting live bytes, for memory limits, is to be built on top of it.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
