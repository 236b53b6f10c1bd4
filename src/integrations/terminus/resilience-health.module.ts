import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { ResilienceHealthIndicator } from './resilience.health.js';

/** Gives the `ResilienceHealthIndicator`. Import it beside `ResilienceModule.forRoot()` where the health controller is. */
@Module({
  imports: [TerminusModule],
  providers: [ResilienceHealthIndicator],
  exports: [ResilienceHealthIndicator],
})
export class ResilienceHealthModule {}
