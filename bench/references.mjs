/** What ratios are taken of: B a bare awaited method, L the same through one extra async layer, J a method that rejects. */
import { fail, ok } from './scenarios.mjs';

class Service {
  work(value) {
    return ok(value);
  }

  reject(value) {
    return fail(value);
  }

  async layered(value) {
    return await this.work(value);
  }
}

const service = new Service();

export const REFERENCES = [
  { name: 'bare', call: (value) => service.work(value) },
  { name: 'layer', call: (value) => service.layered(value) },
  { name: 'rejecting', call: (value) => service.reject(value) },
];
