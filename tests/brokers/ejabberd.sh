#!/usr/bin/env bash
# ejabberd.sh PORT FOLDER [--account NAME PASSWORD] [--tls PORT CERTIFICATE KEY]: Debian's ejabberd with nothing but MQTT,
# on loopback ports, its data in FOLDER. Without an account any name and password will do.
# lacks: anonymous persistence shared rules client-certificates tls-resumption inflight websocket window
set -euo pipefail
port=$1 home=$2/ejabberd login=anonymous listeners='' certificates='' register=
shift 2
while (($#)); do
  case $1 in
  --account)
    login=internal register="ok = ejabberd_auth:try_register(<<\"$2\">>, <<\"localhost\">>, <<\"$3\">>),"
    shift 3
    ;;
  --tls)
    listeners="  - { port: $2, ip: \"127.0.0.1\", module: mod_mqtt, tls: true }"
    certificates="certfiles: [ \"$3\", \"$4\" ]"
    shift 4
    ;;
  *) exit 64 ;;
  esac
done
mkdir -p "$home"
cat >"$home/ejabberd.yml" <<END
hosts: [localhost]
loglevel: error
listen:
  - { port: $port, ip: "127.0.0.1", module: mod_mqtt }
$listeners
$certificates
auth_method: $login
anonymous_protocol: both
modules:
  mod_mqtt: { max_queue: unlimited, session_expiry: 1d }
END

# Says what clients do in the words of mosquitto's log, as tests look for them there.
read -r -d '' journal <<'END' || true
Client = fun(State) -> case element(7, State) of undefined -> none; Jid -> element(4, Jid) end end,
Number = fun(true) -> 1; (false) -> 0; (4) -> 2; (N) -> N end,
Say = fun(Format, Args) -> io:format(standard_error, Format ++ "~n", Args) end,
Tell = fun
  (accept, [_]) -> Say("New connection from 127.0.0.1", []);
  (set_session_properties, [_, {connect, Level, _, Clean, Keep, Id, _, _, _, _}]) ->
    Say("New client connected from 127.0.0.1 as ~ts (p~b, c~b, k~b)", [Id, Number(Level), Number(Clean), Keep]);
  (subscribe, [Filters, {_, _, Id}, _]) -> [Say("~ts ~b ~ts", [Id, element(2, O), F]) || {F, O} <- Filters];
  (handle_unsubscribe, [{unsubscribe, _, Filters, _, _}, State]) -> [Say("~ts ~ts", [Client(State), F]) || F <- Filters];
  (disconnect, [State, _]) -> Client(State) =/= none andalso Say("Client ~ts disconnected", [Client(State)])
end,
Journal = spawn_link(fun Write() -> receive
  {trace, _, call, {_, What, Args}} -> Tell(What, Args), Write();
  {say, Text} -> Say(Text, []), Write()
end end),
{module, _} = code:ensure_loaded(mod_mqtt_session),
[1 = erlang:trace_pattern({mod_mqtt_session, F, A}, true, [local]) || {F, A} <-
  [{accept, 1}, {set_session_properties, 2}, {subscribe, 3}, {handle_unsubscribe, 2}, {disconnect, 2}]],
erlang:trace(processes, true, [call, {tracer, Journal}]),
END

# Each line of standard input empties it. A client whose end has not been seen yet must not come back with a session:
# connections are accepted in their order, so all before one of our own are sessions, which are killed with ours.
read -r -d '' empty <<END || true
Is_session = fun(P) -> case process_info(P, dictionary) of
  {_, D} -> proplists:get_value('\$initial_call', D) =:= {mod_mqtt_session, init, 1};
  undefined -> false end end,
Kill = fun(P) -> M = monitor(process, P), exit(P, kill), receive {'DOWN', M, _, _, _} -> ok end end,
Empty = fun() ->
  {ok, Last} = gen_tcp:connect({127, 0, 0, 1}, $port, [{active, false}]),
  ok = gen_tcp:send(Last, <<0, 0>>),
  {error, closed} = gen_tcp:recv(Last, 0),
  lists:foreach(Kill, lists:filter(Is_session, processes())),
  [{atomic, ok} = mnesia:clear_table(T) || T <- [mqtt_session, mqtt_sub, mqtt_pub]],
  mqtree:clear(mqtree:whereis(mqtt_sub_index)),
  ets:delete_all_objects(mqtt_topic_cache),
  ets_cache:clear(mqtt_payload_cache),
  Told = erlang:trace_delivered(all),
  receive {trace_delivered, all, Told} -> ok end end,
Ready = fun() -> Journal ! {say, "running, can be emptied"} end,
Obey = fun Obey() -> case io:get_line("") of
  eof -> ok;
  _ -> Empty(), Ready(), Obey() end end,
Ready(),
spawn_link(Obey).
END
code=(/usr/lib/*/ejabberd-*/ebin)
export ERL_CRASH_DUMP_SECONDS=0 HOME=$home EJABBERD_CONFIG_PATH=$home/ejabberd.yml EJABBERD_LOG_PATH=$home/ejabberd.log
# Without a node name, so that no epmd is started: it would outlive the broker.
exec erl -noshell -mnesia dir "\"$home/database\"" -pa "${code[0]}" \
  -eval "{ok, _} = application:ensure_all_started(ejabberd), $register $journal $empty"
