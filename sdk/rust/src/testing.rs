//! Unit tests of a function, in one process with the test: what hark/testing.h is for C.
//!
//! There is no worker, no seal and no limit of time or memory; `hark test` has these. What a call returns is what it
//! returns in a worker. A panic of the function is one of the test.
//!
//! ```ignore
//! let mut test = Test::<Thermostat>::new().trigger("home/{room}/temperature").config("setpoint", "21.5");
//! test.start().unwrap();
//! test.send("home/kitchen/temperature", "19.0").unwrap();
//! assert_eq!(test.published()[0].topic, "home/kitchen/heater");
//! ```

use crate::{ffi, text, Context, Failure, Function, Message};
use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int, c_void};
use std::ptr;
use std::time::Duration;

const STRING_MAX: usize = 65535; // bytes of an MQTT string
const PROPERTIES_MAX: usize = 64;
const BESIDE_MAX: usize = 1024 * 1024; // bytes that an output may have beside `limits.payload`

// Of errno(3).
const EPERM: c_int = 1;
const EACCES: c_int = 13;
const EINVAL: c_int = 22;
const EMSGSIZE: c_int = 90;
const EDESTADDRREQ: c_int = 89;
const ENOBUFS: c_int = 105;

/// What a function published or replied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retained: bool,
    pub content_type: Option<String>,
    pub response_topic: Option<String>,
    pub correlation: Option<Vec<u8>>,
    pub properties: Vec<(String, String)>,
    pub expiry_s: u32,
}

/// Where an answer goes, while the handler runs.
struct Asker {
    qos: u8,
    response_topic: Option<String>,
    correlation: Option<Vec<u8>>,
}

type Pairs = Vec<(String, CString)>;

#[repr(C)]
struct World {
    context: ffi::Context, // first: what the calls are given points here
    triggers: Vec<String>,
    publishes: Vec<String>,
    config: Pairs,
    captures: Pairs,
    attempt: u32,
    budget: Duration,
    payload_max: usize,
    publishes_max: usize,
    asker: Option<Asker>,
    published: Vec<Output>,
    reply: Option<Output>,
    reply_count: usize,
    log: Vec<String>,
}

/// A function with room for anything: any topic triggers it, it may publish to any.
pub struct Test<F: Function> {
    world: *mut World, // from a Box; its calls come back to it by this pointer
    function: Option<F>,
}

impl<F: Function> Default for Test<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Function> Test<F> {
    pub fn new() -> Self {
        let world = World {
            context: ffi::Context { calls: &CALLS, user: ptr::null_mut() },
            triggers: Vec::new(),
            publishes: Vec::new(),
            config: Vec::new(),
            captures: Vec::new(),
            attempt: 1,
            budget: Duration::from_secs(10),
            payload_max: 256 * 1024,
            publishes_max: 1000,
            asker: None,
            published: Vec::new(),
            reply: None,
            reply_count: 0,
            log: Vec::new(),
        };
        Test { world: Box::into_raw(Box::new(world)), function: None }
    }

    fn world(&self) -> &World {
        unsafe { &*self.world }
    }

    fn world_mut(&mut self) -> &mut World {
        unsafe { &mut *self.world }
    }

    /// A trigger of the manifest: `home/{room}/temperature`. From the first one on, a topic that none matches is a
    /// mistake of the test, which panics.
    pub fn trigger(mut self, pattern: &str) -> Self {
        self.world_mut().triggers.push(pattern.to_string());
        self
    }

    /// A pattern of the manifest's `publishes`. From the first one on, other topics are refused.
    pub fn publishes(mut self, pattern: &str) -> Self {
        self.world_mut().publishes.push(pattern.to_string());
        self
    }

    /// A value of the manifest's `config`.
    pub fn config(mut self, key: &str, value: &str) -> Self {
        let value = CString::new(value).expect("a value of config has no zero byte");
        self.world_mut().config.push((key.to_string(), value));
        self
    }

    /// `limits.payload` in bytes and `limits.publishes`; 256 KiB and 1000 unless set.
    pub fn limits(mut self, payload: usize, publishes: usize) -> Self {
        self.world_mut().payload_max = payload;
        self.world_mut().publishes_max = publishes;
        self
    }

    /// Of the messages to come; 1 unless set.
    pub fn set_attempt(&mut self, attempt: u32) {
        self.world_mut().attempt = attempt;
    }

    /// What `budget()` says; 10 s unless set.
    pub fn set_budget(&mut self, budget: Duration) {
        self.world_mut().budget = budget;
    }

    /// Before the first message.
    pub fn start(&mut self) -> Result<(), String> {
        self.function = Some(F::start(&Context { raw: self.world as *mut ffi::Context })?);
        Ok(())
    }

    /// Gives the function a message. What the last message published is forgotten, and after an error nothing is
    /// published.
    pub fn message(&mut self, message: &Message) -> Result<(), Failure> {
        let context = Context { raw: self.world as *mut ffi::Context };
        self.world_mut().begin(message);
        let function = self.function.as_mut().expect("start() comes before the first message");
        let result = function.handle(&context, message);
        self.world_mut().asker = None;
        if result.is_err() {
            self.world_mut().forget();
        }
        result
    }

    /// A tick of the timer that the manifest names so: `every 30s`.
    pub fn tick(&mut self, timer: &str) -> Result<(), Failure> {
        self.message(&Message { properties: vec![("hark-trigger", timer)], ..Message::default() })
    }

    /// A message of a topic and a payload, at QoS 1.
    pub fn send(&mut self, topic: &str, payload: impl AsRef<[u8]>) -> Result<(), Failure> {
        self.message(&Message { topic: Some(topic), payload: payload.as_ref(), qos: 1, ..Message::default() })
    }

    /// What the last message published, in order, its reply apart.
    pub fn published(&self) -> &[Output] {
        &self.world().published
    }

    pub fn reply(&self) -> Option<&Output> {
        self.world().reply.as_ref()
    }

    /// Did a line of the log have that text in it? The text of a failure is not there: it is what `send` returned.
    pub fn logged(&self, part: &str) -> bool {
        self.world().log.iter().any(|line| line.contains(part))
    }
}

impl<F: Function> Drop for Test<F> {
    fn drop(&mut self) {
        self.function = None;
        drop(unsafe { Box::from_raw(self.world) });
    }
}

// ---- topics ----

/// What `{name}` names.
fn name_of(pattern: &str) -> Option<&str> {
    pattern.strip_prefix('{')?.strip_suffix('}').filter(|name| !name.is_empty())
}

fn value_of<'a>(pairs: &'a Pairs, key: &str) -> Option<&'a CStr> {
    pairs.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_c_str())
}

/// A {name} that is among the captures of the message has to be it.
fn level_matches(captures: &Pairs, pattern: &str, level: &str) -> bool {
    match name_of(pattern) {
        Some(name) => value_of(captures, name).map_or(true, |value| value.to_bytes() == level.as_bytes()),
        None => pattern == "+" || pattern == level,
    }
}

fn matches(captures: &Pairs, pattern: &str, topic: &str) -> bool {
    if topic.starts_with('$') && pattern.starts_with(|c| "+#{".contains(c)) {
        return false; // MQTT-4.7.2-1
    }
    let (mut patterns, mut levels) = (pattern.split('/'), topic.split('/'));
    loop {
        match (patterns.next(), levels.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some(pattern), Some(level)) if level_matches(captures, pattern, level) => {}
            _ => return false,
        }
    }
}

/// Without what makes brokers end the connection: control characters, and noncharacters.
fn is_string(s: &str) -> bool {
    let is_odd = |c: char| c.is_control() || matches!(c as u32, 0xfdd0..=0xfdef) || c as u32 & 0xfffe == 0xfffe;
    s.len() <= STRING_MAX && !s.contains(is_odd)
}

fn is_topic(topic: &str) -> bool {
    !topic.is_empty() && !topic.contains(|c| c == '+' || c == '#') && is_string(topic)
}

// ---- what stands in the worker's place ----

impl World {
    fn begin(&mut self, message: &Message) {
        self.forget();
        self.captures.clear();
        if let Some(topic) = message.topic {
            self.aim(topic);
        }
        self.asker = Some(Asker {
            qos: message.qos,
            response_topic: message.response_topic.map(String::from),
            correlation: message.correlation.map(Vec::from),
        });
    }

    fn forget(&mut self) {
        self.published.clear();
        self.reply = None;
        self.reply_count = 0;
    }

    fn aim(&mut self, topic: &str) {
        let none = Vec::new();
        let trigger = self.triggers.iter().find(|trigger| matches(&none, trigger, topic));
        assert!(trigger.is_some() || self.triggers.is_empty(), "no trigger matches '{topic}'");
        for (pattern, level) in trigger.iter().flat_map(|t| t.split('/')).zip(topic.split('/')) {
            if let Some(name) = name_of(pattern) {
                self.captures.push((name.to_string(), CString::new(level).expect("a topic has no zero byte")));
            }
        }
    }

    fn has_room(&self, payload_len: usize) -> Result<(), c_int> {
        if payload_len > self.payload_max {
            return Err(EMSGSIZE);
        }
        let outputs = self.published.len() + self.reply_count;
        if outputs < self.publishes_max { Ok(()) } else { Err(ENOBUFS) }
    }

    fn publish(&mut self, mut output: Output) -> Result<(), c_int> {
        self.asker.as_ref().ok_or(EPERM)?;
        if !is_topic(&output.topic) {
            return Err(EINVAL);
        }
        let allowed = |pattern: &String| matches(&self.captures, pattern, &output.topic);
        if !self.publishes.is_empty() && !self.publishes.iter().any(allowed) {
            return Err(EACCES);
        }
        if !output.is_message() {
            return Err(EINVAL);
        }
        self.has_room(output.payload.len())?;
        if output.payload.len() + output.beside() > self.payload_max + BESIDE_MAX {
            return Err(EMSGSIZE);
        }
        output.properties.retain(|(key, _)| !key.starts_with("hark-")); // hark's own, which it leaves out
        self.published.push(output);
        Ok(())
    }

    fn reply(&mut self, payload: &[u8]) -> Result<(), c_int> {
        let asker = self.asker.as_ref().ok_or(EPERM)?;
        let topic = asker.response_topic.clone().ok_or(EDESTADDRREQ)?;
        let (qos, correlation) = (asker.qos, asker.correlation.clone());
        self.has_room(payload.len())?;
        self.reply = Some(Output { topic, payload: payload.to_vec(), qos, correlation, ..Output::default() });
        self.reply_count += 1;
        Ok(())
    }
}

impl Output {
    fn of(m: &Message) -> Output {
        Output {
            topic: m.topic.unwrap_or("").to_string(),
            payload: m.payload.to_vec(),
            qos: m.qos,
            retained: m.retained,
            content_type: m.content_type.map(String::from),
            response_topic: m.response_topic.map(String::from),
            correlation: m.correlation.map(Vec::from),
            properties: m.properties.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            expiry_s: m.expiry_s,
        }
    }

    /// All that is no payload, nearly.
    fn beside(&self) -> usize {
        let optional = |s: &Option<String>| s.as_ref().map_or(0, String::len);
        self.topic.len()
            + self.correlation.as_ref().map_or(0, Vec::len)
            + optional(&self.content_type)
            + optional(&self.response_topic)
            + self.properties.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>()
    }

    fn is_message(&self) -> bool {
        self.qos <= 2
            && self.correlation.as_ref().map_or(true, |c| c.len() <= STRING_MAX)
            && self.properties.len() <= PROPERTIES_MAX
            && self.properties.iter().all(|(key, value)| is_string(key) && is_string(value))
            && self.content_type.as_ref().map_or(true, |s| is_string(s))
            && self.response_topic.as_ref().map_or(true, |s| is_topic(s))
    }
}

// ---- the calls ----

static CALLS: ffi::Calls =
    ffi::Calls { publish, publish_message, reply, capture, config, logv, attempt, budget_ns };

unsafe fn world<'a>(context: *mut ffi::Context) -> &'a mut World {
    &mut *(context as *mut World)
}

fn code(result: Result<(), c_int>) -> c_int {
    result.map_or_else(|errno| -errno, |()| 0)
}

unsafe extern "C" fn publish(c: *mut ffi::Context, topic: *const c_char, data: *const c_void, len: usize) -> c_int {
    let message = Message { topic: text(topic), payload: crate::bytes(data, len), qos: 1, ..Message::default() };
    code(world(c).publish(Output::of(&message)))
}

unsafe extern "C" fn publish_message(c: *mut ffi::Context, m: *const ffi::Message) -> c_int {
    code(world(c).publish(Output::of(&crate::message(&*m))))
}

unsafe extern "C" fn reply(c: *mut ffi::Context, data: *const c_void, len: usize) -> c_int {
    code(world(c).reply(crate::bytes(data, len)))
}

unsafe fn lookup(pairs: &Pairs, key: *const c_char) -> *const c_char {
    text(key).and_then(|key| value_of(pairs, key)).map_or(ptr::null(), CStr::as_ptr)
}

unsafe extern "C" fn capture(c: *mut ffi::Context, name: *const c_char) -> *const c_char {
    lookup(&world(c).captures, name)
}

unsafe extern "C" fn config(c: *mut ffi::Context, key: *const c_char) -> *const c_char {
    lookup(&world(c).config, key)
}

/// The crate has put the line into the format: `%%` is the only conversion that comes.
unsafe extern "C" fn logv(c: *mut ffi::Context, _level: c_int, format: *const c_char, _args: *mut c_void) {
    world(c).log.push(text(format).unwrap_or("").replace("%%", "%"));
}

unsafe extern "C" fn attempt(c: *mut ffi::Context) -> u32 {
    if world(c).asker.is_some() { world(c).attempt } else { 0 }
}

unsafe extern "C" fn budget_ns(c: *mut ffi::Context) -> i64 {
    if world(c).asker.is_some() { world(c).budget.as_nanos() as i64 } else { 0 }
}
