import { Module, type DynamicModule } from '@nestjs/common';
import type { Policy } from '../policies/index.js';
import { ResilienceConfigError } from '../engine/error.js';
import { formatValue, isRecord } from '../options/index.js';
import { Resilience } from '../application/resilience.js';

/** What a feature module adds to the application's resilience. */
export interface ResilienceFeatureOptions {
  /** Named policies for `@Resilience('name')`; names are the application's, so no two modules can use one for different policies. */
  readonly presets: Readonly<Record<string, Policy>>;
}

/** What `ResilienceModule.forFeature` makes. */
@Module({})
export class ResilienceFeatureModule {}

/** A module that adds presets before the operations of the application are compiled. */
export function featureModule(options: ResilienceFeatureOptions): DynamicModule {
  const { presets } = Object(options) as ResilienceFeatureOptions;
  if (!isRecord(presets)) {
    throw new ResilienceConfigError([`ResilienceModule.forFeature: presets must be an object of policies, got ${formatValue(presets)}`]);
  }
  const added = {
    provide: Symbol('presets of a feature'),
    useFactory: (resilience: Resilience) => resilience.addPresets(presets),
    inject: [Resilience],
  };
  return { module: ResilienceFeatureModule, providers: [added] };
}
