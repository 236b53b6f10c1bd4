import { Controller, Get, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { ResilienceModule } from 'nestjs-bulwark';
import { ResilienceHealthIndicator, ResilienceHealthModule } from 'nestjs-bulwark/terminus';
import { PaymentsService } from './payments.service.js';

@Controller()
export class AppController {
  constructor(
    private readonly payments: PaymentsService,
    private readonly health: HealthCheckService,
    private readonly resilience: ResilienceHealthIndicator,
  ) {}

  @Get()
  charge(): Promise<string> {
    return this.payments.charge(5);
  }

  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.resilience.circuitBreakers('breakers')]);
  }
}

@Module({
  imports: [ResilienceModule.forRoot(), ResilienceHealthModule, TerminusModule.forRoot({ logger: false })],
  controllers: [AppController],
  providers: [PaymentsService],
})
export class AppModule {}
