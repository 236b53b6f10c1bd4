import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { ResilienceHealthIndicator } from 'nestjs-bulwark/terminus';

@Controller('health')
export class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(ResilienceHealthIndicator) private readonly resilience: ResilienceHealthIndicator,
  ) {}

  /** Is the process alive? Never asks a breaker: restarting this process heals no provider. */
  @Get('live')
  live() {
    return { status: 'ok' };
  }

  /** May it get traffic? */
  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.resilience.circuitBreakers('breakers'), () => this.resilience.bulkheads('bulkheads')]);
  }
}
