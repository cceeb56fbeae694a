// rust_testing_test.rs: hark::testing of the Rust crate: what stands in the worker's place says what a worker says.
use hark::testing::Test;
use hark::{Context, Failure, Function, Level, Message, Refused};

/// Does what the payload says.
struct Puppet {
    done: u32,
}

fn say(outcome: Result<(), Refused>) -> Result<(), Failure> {
    outcome.map_err(|Refused(errno)| Failure::Reject(errno.to_string()))
}

fn publish_all(context: &Context, message: &Message) -> Result<(), Refused> {
    context.publish_message(&Message { topic: Some("out/all"), qos: 2, retained: true, expiry_s: 9, ..message.clone() })
}

impl Function for Puppet {
    fn start(context: &Context) -> Result<Self, String> {
        match context.publish("out/early", "x") {
            _ if !context.budget().is_zero() => Err("a budget before the first message".to_string()),
            Err(Refused(-1)) => Ok(Puppet { done: 0 }), // EPERM: not before the first message
            other => Err(format!("{other:?}")),
        }
    }

    fn handle(&mut self, context: &Context, message: &Message) -> Result<(), Failure> {
        self.done += 1;
        match std::str::from_utf8(message.payload).unwrap() {
            "capture" => say(context.publish("out/capture", context.capture("room").unwrap_or("none"))),
            "config" => say(context.publish("out/config", context.config("key").unwrap_or("none"))),
            "count" => say(context.publish("out/count", format!("{} {}", self.done, context.attempt()))),
            "all" => say(publish_all(context, message)),
            "reply" => say(context.reply([0, 1, 255])),
            "reply twice" => say(context.reply("a").and_then(|()| context.reply("b"))),
            "large" => {
                let (text, mut properties) = ("x".repeat(65535), vec![("hark-hops", "1")]);
                properties.resize(18, ("key", text.as_str()));
                say(context.publish_message(&Message { topic: Some("out/large"), properties, ..Message::default() }))
            }
            "" if message.topic.is_none() => say(context.publish("out/tick", message.properties[0].1)),
            "log" => {
                context.log(Level::Warn, "100% sure, %s");
                Ok(())
            }
            "line end" => say(context.publish("out/a\nb", "x")),
            "wildcard" => say(context.publish("out/+", "x")),
            "qos" => say(context.publish_message(&Message { topic: Some("out/q"), qos: 3, ..Message::default() })),
            "long" => say(context.publish("out/long", [0; 11])),
            "twice" => say(context.publish("out/a", "x").and_then(|()| context.publish("out/b", "x"))),
            "fail" => {
                context.publish("out/lost", "x")?;
                Err(Failure::Retry("later".to_string()))
            }
            topic => say(context.publish(topic, "x")),
        }
    }
}

fn started(mut test: Test<Puppet>) -> Test<Puppet> {
    test.start().unwrap();
    test
}

fn rejected(errno: i32) -> Result<(), Failure> {
    Err(Failure::Reject((-errno).to_string()))
}

#[test]
fn the_trigger_that_matches_first_has_the_captures() {
    let mut test = started(Test::new().trigger("in/{room}/#").trigger("{room}"));
    for (topic, room) in [("in/bath/x/y", "bath"), ("in/hall", "hall"), ("alone", "alone")] {
        test.send(topic, "capture").unwrap();
        assert_eq!(test.published()[0].payload, room.as_bytes());
    }
}

#[test]
#[should_panic(expected = "no trigger matches 'out/bath'")]
fn a_topic_that_no_trigger_matches_is_a_mistake_of_the_test() {
    let _ = started(Test::new().trigger("in/{room}")).send("out/bath", "capture");
}

#[test]
fn a_tick_has_no_captures() {
    let mut test = started(Test::new().trigger("in/{room}"));
    test.message(&Message { payload: b"capture", ..Message::default() }).unwrap();
    assert_eq!(test.published()[0].payload, b"none");
}

#[test]
fn a_tick_says_which_timer_it_is_of() {
    let mut test = started(Test::new());
    test.tick("every 30s").unwrap();
    assert_eq!(test.published()[0].payload, b"every 30s");
}

#[test]
fn wildcards_in_front_take_no_topic_of_the_broker() {
    let mut test = started(Test::new().publishes("#").publishes("+/x").publishes("{any}/x").publishes("$own/#"));
    assert_eq!(test.send("in", "$SYS/x"), rejected(13));
    assert_eq!(test.send("in", "$own/x"), Ok(()));
    assert_eq!(test.send("in", "own/x"), Ok(()));
}

#[test]
fn only_what_the_manifest_allows_may_be_published() {
    let mut test = started(Test::new().trigger("in/{room}").publishes("home/{room}/+").publishes("log/#"));
    assert_eq!(test.send("in/bath", "home/bath/heater"), Ok(()));
    assert_eq!(test.send("in/bath", "log"), Ok(()));
    assert_eq!(test.send("in/bath", "home/hall/heater"), rejected(13));
    assert_eq!(test.send("in/bath", "home/bath"), rejected(13));
    assert_eq!(test.send("in/bath", "home/bath/heater/x"), rejected(13));
}

#[test]
fn every_field_of_an_output_is_kept() {
    let properties = vec![("key", "value"), ("hark-hops", "3"), ("key", "")]; // the second is hark's own
    let mut test = started(Test::new());
    let (content_type, response_topic) = (Some("text/plain"), Some("answers"));
    let correlation = Some(&b"\0id"[..]);
    let payload = b"all";
    let message = Message { payload, content_type, response_topic, correlation, properties, ..Message::default() };
    test.message(&message).unwrap();
    let output = &test.published()[0];
    assert_eq!((output.topic.as_str(), output.payload.as_slice()), ("out/all", &b"all"[..]));
    assert_eq!((output.qos, output.retained, output.expiry_s), (2, true, 9));
    assert_eq!(output.content_type.as_deref(), content_type);
    assert_eq!(output.response_topic.as_deref(), response_topic);
    assert_eq!(output.correlation.as_deref(), correlation);
    assert_eq!(output.properties, [("key".into(), "value".into()), ("key".into(), "".into())]);
}

#[test]
fn a_reply_goes_where_it_was_asked_for_and_nowhere_else() {
    let mut test = started(Test::new());
    assert_eq!(test.send("in", "reply"), rejected(89));
    let (response_topic, correlation) = (Some("me"), Some(&b"7"[..]));
    let asked = Message { payload: b"reply", response_topic, correlation, ..Message::default() };
    test.message(&asked).unwrap();
    let reply = test.reply().unwrap();
    assert_eq!((reply.topic.as_str(), reply.payload.as_slice()), ("me", &[0, 1, 255][..]));
    assert_eq!((reply.correlation.as_deref(), reply.qos), (Some(&b"7"[..]), 0));
    test.send("in", "log").unwrap();
    assert!(test.reply().is_none());
}

#[test]
fn what_is_no_message_is_refused() {
    let mut test = started(Test::new());
    assert_eq!(test.send("in", "wildcard"), rejected(22));
    assert_eq!(test.send("in", "line end"), rejected(22));
    assert_eq!(test.send("in", "qos"), rejected(22));
    assert_eq!(test.send("in", ""), rejected(22));
}

#[test]
fn limits_hold() {
    let mut test = started(Test::new().limits(10, 1));
    assert_eq!(test.send("in", "long"), rejected(90));
    assert_eq!(test.send("in", "twice"), rejected(105));
    let asked = Message { payload: b"reply twice", response_topic: Some("me"), ..Message::default() };
    assert_eq!(test.message(&asked), rejected(105));
    assert_eq!(started(Test::new()).send("in", "large"), Ok(()));
    assert_eq!(started(Test::new().limits(0, 1)).send("in", "large"), rejected(90));
}

#[test]
fn what_fails_has_published_nothing() {
    let mut test = started(Test::new());
    assert_eq!(test.send("in", "fail"), Err(Failure::Retry("later".to_string())));
    assert!(test.published().is_empty());
}

#[test]
fn the_function_and_its_log_stay_from_message_to_message() {
    let mut test = started(Test::new().config("key", "set"));
    test.send("in", "log").unwrap();
    test.send("in", "config").unwrap();
    assert_eq!(test.published()[0].payload, b"set");
    test.set_attempt(3);
    test.send("in", "count").unwrap();
    assert_eq!(test.published()[0].payload, b"3 3");
    assert!(test.logged("100% sure, %s"));
    assert!(!test.logged("sure!"));
}
