import type { Class, Handler } from './route-finder.js';

/** What belongs to each route of an application: by controller class and handler, whatever they are called. */
export class RouteTable<Entry> {
  private readonly byController = new WeakMap<Class, WeakMap<Handler, { readonly entry: Entry }>>();

  /** What belongs to a route, made where there is nothing yet. */
  at(controller: Class, handler: Handler, make: () => Entry): Entry {
    let ofController = this.byController.get(controller);
    if (ofController === undefined) this.byController.set(controller, (ofController = new WeakMap()));
    let held = ofController.get(handler);
    if (held === undefined) ofController.set(handler, (held = { entry: make() }));
    return held.entry;
  }
}

/** One book for each application. */
export class RouteTables<Entry> {
  private readonly books = new WeakMap<object, RouteTable<Entry>>();

  of(application: object): RouteTable<Entry> {
    let book = this.books.get(application);
    if (book === undefined) this.books.set(application, (book = new RouteTable<Entry>()));
    return book;
  }
}
