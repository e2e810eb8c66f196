import { mothershipApp } from './mothership-app.ts';

mothershipApp().synth();
