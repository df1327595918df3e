import { StringDecoder } from "node:string_decoder";
import type { ProcessManager } from "../../sdk/manager.ts";
import type { ProcessInfo } from "../../sdk/types.ts";
import { terminalSize } from "../../terminal/size.ts";
import type { Effect } from "../state/action.ts";
import { computeLayout } from "../state/layout.ts";
import { copiedText } from "../state/log/log-rows.ts";
import { settingsOf } from "../state/settings-of.ts";
import { initialState } from "../state/state.ts";
import { alertSequence } from "../terminal/alert.ts";
import { ESCAPE_DELAY, InputDecoder, type InputEvent } from "../terminal/input.ts";
import { DEFAULT_THEME } from "../themes/themes.ts";
import { act } from "./actions.ts";
import { attach, type InputOwner } from "./attach.ts";
import { copyText } from "./clipboard.ts";
import { DaemonSubscription } from "./daemon-subscription.ts";
import { errorText, isConnectionError } from "./errors.ts";
import { failureNotices } from "./failures.ts";
import { LogFeed } from "./log-feed.ts";
import type { Presenter } from "./presenter.ts";
import { ScreenPresenter } from "./screen-presenter.ts";
import { ScreenReaderPresenter } from "./screen-reader-presenter.ts";
import { SettingsFile } from "./settings-file.ts";
import { Store } from "./store.ts";
import { TypeAhead } from "./type-ahead.ts";

/** How the dashboard is to run. */
export interface DashboardOptions {
  /** Connects to the daemon of a context; the first time to the one that the command line names. */
  readonly connect: (context: string) => Promise<ProcessManager>;
  /** Contexts that can be switched to; asked for whenever they are offered. */
  readonly contexts: () => readonly string[];
  /** Of the daemon that the command line names; "": none. */
  readonly context: string;
  /** Which of `contexts` that is, the default one included; "": none of them. */
  readonly contextInUse: string;
  /** Undefined: the one that is remembered, else the default. */
  readonly theme: string | undefined;
  /** The file in which the dashboard remembers what was chosen. */
  readonly settingsPath: string;
  /** Starts the daemon of a context, which must be this machine's; resolves with what happened, in a sentence. */
  readonly startDaemon: (context: string) => Promise<string>;
  readonly color: boolean;
  readonly mouse: boolean;
  /** Plain lines for a screen reader, or for a terminal that cannot place its cursor. */
  readonly screenReader: boolean;
}

const TICK_MS = 1000;
const NO_CONNECTION = "There is no connection to the daemon";

/** Where the dashboard runs; "" if that is no longer there. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return "";
  }
}

/** The dashboard on a terminal: keys in, cells out, effects carried out. */
export class Dashboard {
  readonly #options: DashboardOptions;
  readonly #settings: SettingsFile;
  readonly #store: Store;
  readonly #presenter: Presenter;
  readonly #text = new StringDecoder("utf8");
  readonly #decoder = new InputDecoder();
  readonly #done = Promise.withResolvers<void>();
  #manager: ProcessManager | null = null;
  #subscription: DaemonSubscription | null = null;
  #log: LogFeed | null = null;
  #escape: NodeJS.Timeout | null = null;
  #tick: NodeJS.Timeout | null = null;
  /** While a process has the terminal, nothing is drawn. */
  #away = false;
  #inputOwner: InputOwner | null = null;
  readonly #typeAhead = new TypeAhead();
  #ended = false;

  constructor(options: DashboardOptions) {
    this.#options = options;
    this.#settings = new SettingsFile(options.settingsPath, (why) => this.#toast("error", why));
    const state = initialState({
      ...terminalSize(),
      endpoint: "",
      context: options.context,
      contexts: options.contexts(),
      contextInUse: options.contextInUse,
      theme: options.theme ?? this.#settings.settings.theme ?? DEFAULT_THEME,
      settings: this.#settings.settings,
      now: Date.now(),
      directory: workingDirectory(),
    });
    this.#store = new Store(
      state,
      (effect) => this.#run(effect),
      () => this.#guard(() => this.#draw()),
      () => {
        this.#admit();
        this.#settings.changed(settingsOf(this.#store.state));
        this.#subscription?.changed(this.#store.state);
        this.#log?.changed(this.#store.state.log);
      },
    );
    const events = {
      onEnter: () => {
        this.#resize();
        this.#inputOwner?.redraw();
        this.#store.frame();
      },
      onInput: (data: Buffer) => this.#guard(() => this.#input(data)),
      onResize: () => this.#resize(),
      onHangup: () => this.#end(),
      onReady: () => this.#guard(() => this.#draw()),
    };
    this.#presenter = options.screenReader ? new ScreenReaderPresenter(events) : new ScreenPresenter(events, options);
  }

  /** Runs until the user quits or the terminal goes away; rejects with what went wrong. The terminal is restored first. */
  async run(): Promise<void> {
    const onError = (error: unknown): void => this.#end(error);
    process.on("uncaughtException", onError);
    process.on("unhandledRejection", onError);
    try {
      this.#guard(() => this.#presenter.open());
      if (!this.#ended) {
        this.#tick = setInterval(() => this.#store.dispatch({ type: "tick", now: Date.now() }), TICK_MS);
        void this.#connect(this.#options.context);
        this.#settings.changed(settingsOf(this.#store.state));
        if (this.#settings.problem !== "") {
          this.#toast("error", this.#settings.problem);
        }
      }
      await this.#done.promise;
    } finally {
      // The last key may have changed something, too.
      this.#settings.changed(settingsOf(this.#store.state));
      await this.#settings.flush();
      process.off("uncaughtException", onError);
      process.off("unhandledRejection", onError);
    }
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#end(error);
    }
  }

  #end(error?: unknown): void {
    if (this.#ended) {
      return;
    }
    this.#ended = true;
    this.#inputOwner?.leave();
    this.#presenter.close();
    this.#store.close();
    for (const timer of [this.#tick, this.#escape]) {
      if (timer) {
        clearTimeout(timer);
      }
    }
    this.#disconnect();
    if (error === undefined) {
      this.#done.resolve();
    } else {
      this.#done.reject(error);
    }
  }

  #disconnect(): void {
    this.#subscription?.close();
    this.#log?.close();
    this.#manager?.close();
    this.#subscription = null;
    this.#log = null;
    this.#manager = null;
  }

  async #connect(context: string): Promise<void> {
    try {
      const manager = await this.#options.connect(context);
      if (this.#ended) {
        manager.close();
        return;
      }
      this.#disconnect();
      this.#manager = manager;
      this.#store.dispatch({ type: "connecting", endpoint: manager.address, context });
      this.#subscription = new DaemonSubscription(manager, this.#store);
      this.#log = new LogFeed(manager, this.#store);
      this.#subscription.open();
    } catch (error) {
      this.#fail(error);
      if (!this.#manager) {
        this.#store.dispatch({ type: "disconnected", error: errorText(error), attempt: 0, retryAt: 0 });
      }
    }
  }

  #toast(level: "info" | "error", text: string): void {
    this.#store.dispatch({ type: "toast", notice: { level, text }, now: Date.now() });
  }

  /** Says what went wrong; for want of a connection, until it is back. */
  #fail(error: unknown): void {
    const notice = { level: "error" as const, text: errorText(error) };
    const about = isConnectionError(error) ? { about: "connection" as const } : {};
    this.#store.dispatch({ type: "toast", notice: { ...notice, ...about }, now: Date.now() });
  }

  #input(data: Buffer): void {
    if (this.#away) {
      this.#inputOwner?.input(data);
      return;
    }
    if (this.#escape) {
      clearTimeout(this.#escape);
      this.#escape = null;
    }
    this.#accept(this.#decoder.push(this.#text.write(data)));
    if (this.#decoder.incomplete) {
      this.#escape = setTimeout(() => {
        this.#escape = null;
        this.#accept(this.#decoder.flush());
      }, ESCAPE_DELAY);
    }
  }

  #accept(events: readonly InputEvent[]): void {
    for (const event of events) {
      if (!this.#typeAhead.keep(event)) {
        this.#store.dispatch({ type: "input", event });
      }
    }
  }

  /** Lets kept keys in when there is a list, or when there will be none for a while. */
  #admit(): void {
    const { table, connection } = this.#store.state;
    if (table.loaded || connection.phase === "disconnected") {
      for (const event of this.#typeAhead.release()) {
        this.#store.dispatch({ type: "input", event, ahead: true });
      }
    }
  }

  #resize(): void {
    const size = terminalSize();
    const { columns, rows } = this.#store.state;
    if (size.columns !== columns || size.rows !== rows) {
      this.#store.dispatch({ type: "resize", ...size });
      this.#inputOwner?.resized();
    }
  }

  #draw(): void {
    if (this.#ended || this.#away) {
      return;
    }
    this.#presenter.draw(this.#store.state);
  }

  #run(effect: Effect): void {
    const { state } = this.#store;
    const manager = this.#manager;
    switch (effect.type) {
      case "quit":
        this.#end();
        return;
      case "suspend":
        this.#presenter.suspend();
        return;
      case "redraw":
        this.#presenter.invalidate();
        this.#store.frame();
        return;
      case "copy":
        this.#copy(effect.what);
        return;
      case "start-daemon":
        void this.#startDaemon();
        return;
      case "read-contexts":
        this.#store.dispatch({ type: "contexts", names: this.#options.contexts() });
        return;
      case "switch-context":
        void this.#connect(effect.name);
        return;
    }
    if (!manager) {
      if (effect.type === "start") {
        this.#store.dispatch({ type: "start-failed", submission: effect.submission, error: NO_CONNECTION });
      } else {
        this.#toast("error", NO_CONNECTION);
      }
      return;
    }
    switch (effect.type) {
      case "act":
        this.#act(manager, effect);
        return;
      case "tell-failures":
        void this.#tellFailures(manager, effect.processes);
        return;
      case "start": {
        const { submission } = effect;
        manager.processes.start(effect.options).then(
          ({ info }) => this.#store.dispatch({ type: "started", submission, process: info, now: Date.now() }),
          (error: unknown) => this.#store.dispatch({ type: "start-failed", submission, error: errorText(error) }),
        );
        return;
      }
      case "read-details":
        void this.#readDetails(manager, effect.id);
        return;
      case "search":
        void this.#log?.search(state.log, effect);
        return;
      case "show-line":
        void this.#log?.showLine(state.log, effect.offset);
        return;
      case "cancel-search":
        this.#log?.cancelSearch();
        return;
      case "read-start":
        void this.#log?.readStart();
        return;
      case "read-end":
        void this.#log?.readEnd();
        return;
      case "attach":
        void this.#attach(manager, effect.process);
        return;
    }
  }

  #act(manager: ProcessManager, { action, targets }: Extract<Effect, { type: "act" }>): void {
    const total = targets.length;
    const onProgress = (done: number): void => this.#store.dispatch({ type: "action-progress", action, done, total });
    void act(manager, action, targets, onProgress).then((result) => this.#store.dispatch(result));
  }

  async #tellFailures(manager: ProcessManager, processes: readonly ProcessInfo[]): Promise<void> {
    for (const { key, text } of await failureNotices(manager, processes)) {
      this.#store.dispatch({ type: "toast", notice: { level: "error", key, text }, now: Date.now() });
      this.#presenter.write(alertSequence(this.#store.state.alert, text));
    }
  }

  async #readDetails(manager: ProcessManager, id: string): Promise<void> {
    try {
      const process = await manager.processes.get(id, { env: true });
      const { schedule = "" } = process.supervision ?? {};
      const { queue = "" } = process.spec;
      // One that is gone by now is not worth a message: the page then shows its name.
      const found = await Promise.all([
        schedule === "" ? null : manager.schedules.get(schedule).catch(() => null),
        queue === "" ? null : manager.queues.get(queue).catch(() => null),
      ]);
      this.#store.dispatch({ type: "details", process, schedule: found[0], queue: found[1] });
    } catch (error) {
      this.#fail(error);
    }
  }

  async #startDaemon(): Promise<void> {
    try {
      this.#toast("info", await this.#options.startDaemon(this.#store.state.connection.context));
      this.#subscription?.retry();
    } catch (error) {
      this.#toast("error", errorText(error));
    }
  }

  async #attach(manager: ProcessManager, process: ProcessInfo): Promise<void> {
    if (this.#away) {
      return;
    }
    this.#away = true;
    try {
      await attach(manager, process, this.#presenter, (owner) => {
        this.#inputOwner = owner;
        this.#away = owner !== null;
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  #copy(what: "line" | "view" | "id"): void {
    const { state } = this.#store;
    const text =
      what === "id" ? (state.table.selected ?? "") : copiedText(state.log, computeLayout(state).logSize, what);
    if (text === "") {
      this.#toast("error", "There is nothing to copy");
      return;
    }
    const name = what === "id" ? "the ID" : what === "line" ? "the line" : "the view";
    void copyText(text, name, (sequence) => this.#presenter.write(sequence)).then((outcome) =>
      this.#toast("info", outcome),
    );
  }
}
