//! hark/function.h as it is, ABI 1. What is not called from here has no type.
use std::os::raw::{c_char, c_int, c_void};

#[repr(C)]
pub struct Property {
    pub key: *const c_char,
    pub value: *const c_char,
}

#[repr(C)]
pub struct Message {
    pub topic: *const c_char,
    pub payload: *const c_void,
    pub payload_len: usize,
    pub qos: u8,
    pub retained: bool,
    pub content_type: *const c_char,
    pub response_topic: *const c_char,
    pub correlation: *const c_void,
    pub correlation_len: usize,
    pub properties: *const Property,
    pub property_count: usize,
    pub expiry_s: u32,
}

/// `args` is a va_list. On all machines that hark runs on, it is passed as a pointer.
type Logv = unsafe extern "C" fn(*mut Context, c_int, *const c_char, args: *mut c_void);

#[repr(C)]
pub struct Calls {
    pub publish: unsafe extern "C" fn(*mut Context, *const c_char, *const c_void, usize) -> c_int,
    pub publish_message: unsafe extern "C" fn(*mut Context, *const Message) -> c_int,
    pub reply: unsafe extern "C" fn(*mut Context, *const c_void, usize) -> c_int,
    pub capture: unsafe extern "C" fn(*mut Context, *const c_char) -> *const c_char,
    pub config: unsafe extern "C" fn(*mut Context, *const c_char) -> *const c_char,
    pub logv: Logv,
    pub attempt: unsafe extern "C" fn(*mut Context) -> u32,
    pub budget_ns: unsafe extern "C" fn(*mut Context) -> i64,
}

#[repr(C)]
pub struct Context {
    pub calls: *const Calls,
    pub user: *mut c_void,
}

#[repr(C)]
pub struct Function {
    pub abi: u32,
    pub size: u32,
    pub start: Option<unsafe extern "C" fn(*mut Context) -> c_int>,
    pub handle: unsafe extern "C" fn(*mut Context, *const Message) -> c_int,
    pub stop: Option<unsafe extern "C" fn(*mut Context)>,
}

// It points to code and nothing else.
unsafe impl Sync for Function {}
