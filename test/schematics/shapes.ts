const head = "import { Module } from '@nestjs/common';\nimport { AppController } from './app.controller';\n\n";
const empty = '@Module({\n  imports: [],\n})\nexport class AppModule {}\n';

/** How people write `src/app.module.ts`. */
export const shapes: Readonly<Record<string, string>> = {
  'as nest new makes it': `${head}@Module({\n  imports: [],\n  controllers: [AppController],\n  providers: [],\n})\nexport class AppModule {}\n`,
  'double quotes and no imports': `${head.replaceAll("'", '"')}@Module({\n  controllers: [AppController],\n})\nexport class AppModule {}\n`,
  'lines that end as on Windows': (head + empty).replaceAll('\n', '\r\n'),
  'imports in a constant': `${head}const features = [];\n@Module({\n  imports: features,\n  controllers: [AppController],\n})\nexport class AppModule {}\n`,
  'imports that are an expression': `${head}@Module({\n  imports: (process.env.X ? [A] : []).concat([B]),\n})\nexport class AppModule {}\n`,
  'an old list in a comment': `${head}@Module({\n  // imports: [OldModule],\n  imports: [AppController],\n})\nexport class AppModule {}\n`,
  'nested imports before its own': `${head}@Module({\n  providers: [{ provide: 'x', useFactory: () => Test.build({ imports: [Other] }) }],\n  imports: [Feature],\n})\nexport class AppModule {}\n`,
  'shorthand imports': `${head}const imports = [];\n@Module({ imports, controllers: [AppController] })\nexport class AppModule {}\n`,
  'a second module with imports': `${head}@Module({\n  controllers: [AppController],\n})\nexport class AppModule {}\n\n@Module({\n  imports: [AppModule],\n})\nexport class TestModule {}\n`,
  'another module before it': `${head}@Module({ providers: [] })\nclass FirstModule {}\n\n@Module({\n  imports: [FirstModule],\n})\nexport class AppModule {}\n`,
  'no semicolons but one inside of the class': `${(head + empty).replaceAll(';\n', '\n').replace('{}\n', '{\n')}  constructor() {\n    for (const x of []) use(x);\n  }\n}\n`,
  'spaces around the braces': `${head}@Module( {\n  imports: [],\n} )\nexport class AppModule {}\n`,
  'an example in its documentation': `${head}/**\n * @Module({ imports: [X] }) is what Nest reads.\n */\n${empty}`,
  'the name in a comment': `${head}// later: ResilienceModule\n${empty}`,
  'a comment after the last import': `${head.trimEnd()} // the controller; see docs\n\n${empty}`,
  'a comment behind the bracket': `${head}@Module({\n  imports: [ // feature modules\n    Feature,\n  ],\n})\nexport class AppModule {}\n`,
  'only a comment in the list': `${head}@Module({\n  imports: [ /* none yet */ ],\n})\nexport class AppModule {}\n`,
  'a licence and use strict': `/* License; all rights reserved */\n'use strict';\n${head}${empty}`,
  'satisfies ModuleMetadata': `${head}@Module({\n  imports: [],\n} satisfies ModuleMetadata)\nexport class AppModule {}\n`,
};
